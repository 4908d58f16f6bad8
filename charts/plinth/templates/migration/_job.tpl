{{/* "hook", "job", "argocd" or "none": the mode in effect. A hook cannot wait for a database that the release is about to make. */}}
{{- define "plinth.migrationMode" -}}
{{- if and (eq .Values.migrations.mode "hook") (include "plinth.embedded" .) (not (include "plinth.databaseServes" .)) -}}
job
{{- else -}}
{{ .Values.migrations.mode }}
{{- end -}}
{{- end -}}

{{/* Asked of the cluster: .Release.IsInstall is wrong after a failed first install, and a hook before the upgrade that mends the database would wait for it in vain. */}}
{{- define "plinth.databaseServes" -}}
{{- $server := lookup "apps/v1" "StatefulSet" .Release.Namespace (printf "%s-postgresql" (include "plinth.full" .)) -}}
{{- if $server -}}
{{- if dig "status" "readyReplicas" 0 $server | int -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "plinth.migrationJob" -}}
# Waiting and retrying is done by `plinth migrate`; a second pod helps where the first was lost with its node.
backoffLimit: 1
activeDeadlineSeconds: {{ int64 .Values.migrations.activeDeadlineSeconds }}
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions: [{type: DisruptionTarget, status: "True"}]
    # Usage, a failed revision, diverged, refused, not persisted: the next attempt would end the same.
    - action: FailJob
      onExitCodes: {containerName: migrate, operator: In, values: [2, 6, 7, 8, 9]}
template:
  metadata:
    {{- with include "plinth.annotations" (list . .Values.migrations.podAnnotations) }}{{ . | nindent 4 }}{{ end }}
    labels:
      {{- include "plinth.podLabels" (list . "migrate" .Values.migrations.podLabels) | nindent 6 }}
  spec:
    restartPolicy: Never
    # Before the Job's own deadline, which deletes the pod: so what hung, and its last line, can be read.
    activeDeadlineSeconds: {{ sub .Values.migrations.activeDeadlineSeconds 10 }}
    serviceAccountName: {{ .Values.migrations.serviceAccountName | quote }}
    automountServiceAccountToken: false
    enableServiceLinks: false
    securityContext:
      {{- include "plinth.podSecurity" . | nindent 6 }}
    {{- with include "plinth.placement" . | trim }}{{ . | nindent 4 }}{{ end }}
    {{- with include "plinth.ownContainers" (list . .Values.migrations.initContainers) | trim }}
    initContainers:
      {{- . | nindent 6 }}
    {{- end }}
    containers:
      - name: migrate
        image: {{ include "plinth.image" . }}
        imagePullPolicy: {{ .Values.image.pullPolicy }}
        args: [migrate]
        env:
          {{- include "plinth.env" (list . "migrate") | trim | nindent 10 }}
        terminationMessagePolicy: FallbackToLogsOnError
        resources:
          {{- toYaml (.Values.migrations.resources | default dict) | nindent 10 }}
        securityContext:
          {{- include "plinth.containerSecurity" . | nindent 10 }}
        volumeMounts:
          {{- include "plinth.volumeMounts" . | nindent 10 }}
          {{- with .Values.migrations.extraVolumeMounts }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
    volumes:
      {{- include "plinth.ownerVolumes" . | nindent 6 }}
      {{- with .Values.migrations.extraVolumes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
{{- end -}}
