{{/* A policy that allows these rules and nothing else. Takes (list $ component name podSelector ingress egress); Helm's hook has its annotations after them. */}}
{{- define "plinth.policy" }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ index . 2 }}
  {{- if gt (len .) 6 }}
  {{- include "plinth.annotations" (list (index . 0) (index . 6)) | nindent 2 }}
  {{- else }}
  {{- with include "plinth.beforeMigrations" (index . 0) }}{{ . | nindent 2 }}{{ end }}
  {{- end }}
  labels:
    {{- include "plinth.labels" (list (index . 0) (index . 1)) | nindent 4 }}
spec:
  podSelector:
    {{- index . 3 | toYaml | nindent 4 }}
  policyTypes: [Ingress, Egress]
  {{- with index . 4 }}
  ingress:
    {{- range . }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with index . 5 }}
  egress:
    {{- range . }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* One rule. Takes (list "from"|"to" peers port); no peers: all. */}}
{{- define "plinth.rule" -}}
- ports: [{port: {{ int (index . 2) }}}]
  {{- if index . 1 }}
  {{ index . 0 }}:
    {{- index . 1 | toYaml | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "plinth.dnsRule" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- end -}}

{{/* The API server has no label to select it by. */}}
{{- define "plinth.apiServerRule" -}}
- ports: [{port: 443}, {port: 6443}]
{{- end -}}

{{/* Takes (list $ labelsOfTheEmbeddedServer). */}}
{{- define "plinth.databaseRule" -}}
{{- $root := index . 0 -}}
{{- if include "plinth.embedded" $root -}}
{{- $server := dict "matchLabels" (index . 1) -}}
{{ include "plinth.rule" (list "to" (list (dict "podSelector" $server)) 5432) }}
{{- else -}}
{{ include "plinth.rule" (list "to" $root.Values.networkPolicy.databaseTo $root.Values.networkPolicy.databasePort) }}
{{- end -}}
{{- end -}}
