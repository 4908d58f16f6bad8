{{/* Where Argo CD applies in waves, the database and who may reach it come before the migration's -1. */}}
{{- define "plinth.beforeMigrations" -}}
{{- $wave := ternary (dict "argocd.argoproj.io/sync-wave" "-2") dict (eq .Values.migrations.mode "argocd") -}}
{{- include "plinth.annotations" (list . $wave) -}}
{{- end -}}

{{/* A password: the given value, else what the cluster has, else a random one. Takes (list $ secretName given). */}}
{{- define "plinth.password" -}}
{{- $root := index . 0 -}}
{{- $kept := lookup "v1" "Secret" $root.Release.Namespace (index . 1) -}}
{{- if index . 2 -}}
{{ index . 2 }}
{{- else if $kept -}}
{{ $kept.data.password | b64dec }}
{{- else -}}
{{- /* A cluster answers with a list, if of none. What passes its kinds to `helm template`, as Argo CD does, has nothing looked up. */ -}}
{{- if not (lookup "apps/v1" "StatefulSet" $root.Release.Namespace "") -}}
{{- fail "Rendered without a cluster, the embedded database's passwords would change each time: set postgresql.auth.ownerPassword, appPassword and superuserPassword, or name your own database by database.existingSecret; a dry run needs --dry-run=server." -}}
{{- end -}}
{{ randAlphaNum 32 }}
{{- end -}}
{{- end -}}

{{/* The keys CloudNativePG writes, for one role. Takes (list $ user password). */}}
{{- define "plinth.databaseKeys" -}}
{{- $root := index . 0 -}}
{{- $user := index . 1 -}}
{{- $password := index . 2 -}}
{{- $host := printf "%s-postgresql.%s" (include "plinth.full" $root) $root.Release.Namespace -}}
{{- $fqdn := printf "%s.svc.cluster.local" $host -}}
username: {{ $user }}
user: {{ $user }}
password: {{ $password | quote }}
dbname: plinth
host: {{ $host }}
port: "5432"
pgpass: {{ printf "%s:5432:plinth:%s:%s\n" $host $user $password | quote }}
uri: postgresql://{{ $user }}:{{ $password }}@{{ $host }}:5432/plinth?sslmode=disable
fqdn-uri: postgresql://{{ $user }}:{{ $password }}@{{ $fqdn }}:5432/plinth?sslmode=disable
jdbc-uri: jdbc:postgresql://{{ $host }}:5432/plinth?user={{ $user }}&password={{ $password }}
fqdn-jdbc-uri: jdbc:postgresql://{{ $fqdn }}:5432/plinth?user={{ $user }}&password={{ $password }}
{{- end -}}
