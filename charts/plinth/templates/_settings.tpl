{{/* Environment of one of our containers: what the chart decides, then `settings`. Takes (list $ component). */}}
{{- define "plinth.env" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $own := include (printf "plinth.env.%s" $component) $root | fromYaml -}}
{{- range $name, $value := $root.Values.settings -}}
{{- if eq "true" (include "plinth.settingIsFor" (list $name $component)) -}}
{{- $_ := set $own $name $value -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $own }}
- {name: PLINTH_{{ upper $name }}, value: {{ ternary $value (toJson $value) (kindIs "string" $value) | quote }}}
{{- end }}
{{- end -}}

{{/* Who reads a setting: a change must not restart, or rerun, what does not read it. */}}
{{- define "plinth.settingIsFor" -}}
{{- $name := index . 0 -}}
{{- $component := index . 1 -}}
{{- if has $name (list "database_connect_timeout" "database_command_timeout" "log_format" "log_level") -}}
true
{{- else if hasPrefix "migrate_" $name -}}
{{ eq $component "migrate" }}
{{- else if hasPrefix "operator_" $name -}}
{{ eq $component "operator" }}
{{- else -}}
{{ eq $component "app" }}
{{- end -}}
{{- end -}}

{{/* Whether the example resources are served: true unless the setting says false. */}}
{{- define "plinth.examples" -}}
{{ ne "false" (get (.Values.settings | default dict) "examples" | toString) }}
{{- end -}}

{{- define "plinth.env.tls" -}}
database_tls_mode: {{ include "plinth.tlsMode" . }}
{{- if .Values.database.tls.caSecret }}
database_tls_ca: /run/secrets/plinth-ca/ca.crt
{{- end }}
{{- end -}}

{{- define "plinth.env.app" -}}
{{ include "plinth.env.tls" . }}
database_pooler: {{ .Values.database.pooler }}
drain_seconds: {{ .Values.drainSeconds }}
shutdown_seconds: {{ .Values.shutdownSeconds }}
readiness_mode: {{ .Values.readiness.mode }}
{{- end -}}

{{- define "plinth.env.migrate" -}}
{{ include "plinth.env.tls" . }}
ids_below18: {{ .Values.ids.below18 }}
image: {{ include "plinth.image" . | quote }}
{{- with .Values.migrations.appRole }}
database_app_role: {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "plinth.env.operator" -}}
{{- with .Values.operator.watchNamespaces }}
operator_namespaces: {{ toJson . }}
{{- end }}
{{- end -}}
