{{/* Containers of the user's own, under the restricted Pod Security Standard where they say nothing else. Takes (list $ containers). */}}
{{- define "plinth.ownContainers" -}}
{{- range index . 1 }}
{{- /* No merge: it takes a false for nothing said. */}}
{{- $security := include "plinth.containerSecurity" (index $ 0) | fromYaml }}
{{- range $key, $value := .securityContext }}{{ $_ := set $security $key $value }}{{ end }}
- {{- set (deepCopy .) "securityContext" $security | toYaml | nindent 2 }}
{{- end }}
{{- end -}}
