{{/* <full>: the release's name if it contains the chart's, else <release>-plinth. What is added to it has room after 40 characters; a longer one is cut, and ends in its hash. */}}
{{- define "plinth.full" -}}
{{- $name := .Values.fullnameOverride -}}
{{- if not $name -}}
{{- $chart := .Values.nameOverride | default .Chart.Name -}}
{{- $name = ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "%q cannot name all objects: it must begin with a letter, and hold letters, digits and - only; choose another release name or set fullnameOverride." $name) -}}
{{- end -}}
{{- if not (kindIs "string" (printf "name: %s" $name | fromYaml).name) -}}
{{- fail (printf "%q cannot name all objects, as YAML does not take it for a name: choose another release name or set fullnameOverride." $name) -}}
{{- end -}}
{{- if gt (len $name) 40 -}}
{{- $name = printf "%s-%s" (trunc 31 $name | trimSuffix "-") (sha256sum $name | trunc 8) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* "true" where Helm speaks to a cluster: it then knows kinds, not only API groups. (Argo CD passes kinds to a `helm template`, which looks nothing up.) */}}
{{- define "plinth.cluster" -}}
{{- if .Capabilities.APIVersions.Has "v1/Secret" }}true{{ end -}}
{{- end -}}

{{/* Labels that selectors use; they never change. Takes (list $ component). */}}
{{- define "plinth.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Defaults in templates are for `--reuse-values`, which leaves out what an earlier release did not have. */}}

{{/* Labels of an object. Takes (list $ component). */}}
{{- define "plinth.labels" -}}
{{- $root := index . 0 -}}
{{ include "plinth.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of an object with some of its own. Takes (list $ component own). */}}
{{- define "plinth.labelsWith" -}}
{{- merge (dict) (index . 2 | default dict) (include "plinth.labels" . | fromYaml) | toYaml -}}
{{- end -}}

{{/* Labels of a pod: no version, which would restart it for nothing. Takes (list $ component own). */}}
{{- define "plinth.podLabels" -}}
{{- merge (include "plinth.selector" . | fromYaml) (index . 2 | default dict) ((index . 0).Values.commonLabels | default dict) | toYaml -}}
{{- end -}}

{{/* Annotations of an object or a pod: its own, then the common ones; nothing where there are none. Takes (list $ own). */}}
{{- define "plinth.annotations" -}}
{{- with merge (dict) (index . 1 | default dict) ((index . 0).Values.commonAnnotations | default dict) -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* An image's reference. Takes (list image defaultTag). */}}
{{- define "plinth.reference" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{- /* --set ...tag=18 is a number. */ -}}
{{- $tag := $image.tag | default (index . 1) -}}
{{ $image.repository }}:{{ ternary $tag (int64 $tag) (kindIs "string" $tag) }}
{{- end -}}
{{- end -}}

{{/* The one image. */}}
{{- define "plinth.image" -}}
{{ include "plinth.reference" (list .Values.image .Chart.AppVersion) }}
{{- end -}}

{{/* Where a pod may run and how it gets its image. */}}
{{- define "plinth.scheduling" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The same with the priority, which the operator's Jobs have no field for. */}}
{{- define "plinth.placement" -}}
{{- include "plinth.scheduling" . }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Name of a ServiceAccount. Takes (list values made), the latter its name where the chart makes it and nobody names it. */}}
{{- define "plinth.serviceAccount" -}}
{{- $values := index . 0 | default (dict "create" true) -}}
{{ $values.name | default (ternary (index . 1) "default" $values.create) }}
{{- end -}}

{{/* The restricted Pod Security Standard, and the user of our image. */}}
{{- define "plinth.podSecurity" -}}
runAsNonRoot: true
{{- range $key, $id := .Values.podSecurityContext }}
{{- if not (kindIs "invalid" $id) }}
{{ $key }}: {{ int64 $id }}
{{- end }}
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "plinth.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
