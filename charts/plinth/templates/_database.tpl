{{/* "true" with the embedded evaluation database, else empty. */}}
{{- define "plinth.embedded" -}}
{{- $enabled := .Values.postgresql.enabled -}}
{{- if kindIs "bool" $enabled -}}
{{- if $enabled }}true{{ end -}}
{{- else if not (or .Values.database.existingSecret .Values.migrations.existingSecret) -}}
true
{{- end -}}
{{- end -}}

{{/* Secret with the API's role. */}}
{{- define "plinth.appSecret" -}}
{{- if include "plinth.embedded" . -}}
{{ include "plinth.full" . }}-postgresql-app
{{- else -}}
{{ .Values.database.existingSecret }}
{{- end -}}
{{- end -}}

{{/* Secret with the owner's role. */}}
{{- define "plinth.ownerSecret" -}}
{{- if include "plinth.embedded" . -}}
{{ include "plinth.full" . }}-postgresql-owner
{{- else -}}
{{ .Values.migrations.existingSecret | default .Values.database.existingSecret }}
{{- end -}}
{{- end -}}

{{- define "plinth.tlsMode" -}}
{{- $tls := .Values.database.tls -}}
{{- if $tls.mode -}}
{{ $tls.mode }}
{{- else if include "plinth.embedded" . -}}
disable
{{- else -}}
{{ ternary "verify-full" "require" (ne $tls.caSecret "") }}
{{- end -}}
{{- end -}}

{{/* The secret's keys as files named like the settings; whole folders, never subPath, follow a rotated secret. */}}
{{- define "plinth.secretItems" -}}
{{- $paths := dict "uri" "URL" "host" "HOST" "port" "PORT" "dbname" "NAME" "user" "USER" "password" "PASSWORD" -}}
{{- range $meaning, $key := .Values.database.secretKeys }}
- {key: {{ $key | quote }}, path: PLINTH_DATABASE_{{ get $paths $meaning }}}
{{- end }}
{{- end -}}

{{/* Volumes of the API: its role, the CA, a writable /tmp. Missing secrets are the app's to explain. */}}
{{- define "plinth.appVolumes" -}}
- name: database
  secret:
    secretName: {{ include "plinth.appSecret" . | quote }}
    optional: true
    items:
      {{- include "plinth.secretItems" . | trim | nindent 6 }}
{{ include "plinth.commonVolumes" . }}
{{- end -}}

{{/* Volumes of the migrator: the owner's role under the same names, and which role is to be granted its rights. */}}
{{- define "plinth.ownerVolumes" -}}
- name: database
  projected:
    sources:
      - secret:
          name: {{ include "plinth.ownerSecret" . | quote }}
          optional: true
          items:
            {{- include "plinth.secretItems" . | trim | nindent 12 }}
      {{- if and .Values.database.secretKeys.user (ne (include "plinth.ownerSecret" .) (include "plinth.appSecret" .)) }}
      - secret:
          name: {{ include "plinth.appSecret" . | quote }}
          optional: true
          items:
            - {key: {{ .Values.database.secretKeys.user | quote }}, path: PLINTH_DATABASE_APP_ROLE}
      {{- end }}
{{ include "plinth.commonVolumes" . }}
{{- end -}}

{{- define "plinth.commonVolumes" -}}
{{- with .Values.database.tls.caSecret -}}
- name: database-ca
  secret:
    secretName: {{ . | quote }}
    optional: true
    items:
      - {key: {{ $.Values.database.tls.caKey | quote }}, path: ca.crt}
{{ end -}}
- name: tmp
  emptyDir: {}
{{- end -}}

{{- define "plinth.volumeMounts" -}}
- {name: database, mountPath: /run/secrets/plinth, readOnly: true}
{{- if .Values.database.tls.caSecret }}
- {name: database-ca, mountPath: /run/secrets/plinth-ca, readOnly: true}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- end -}}
