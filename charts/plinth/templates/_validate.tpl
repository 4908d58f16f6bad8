{{/* Combinations that cannot work, each with a sentence that says what to do. */}}
{{- define "plinth.validate" -}}
{{- include "plinth.validate.nulls" . -}}
{{- include "plinth.validate.database" . -}}
{{- include "plinth.validate.shutdown" . -}}
{{- include "plinth.validate.connections" . -}}
{{- include "plinth.validate.tokens" . -}}
{{- include "plinth.validate.timeouts" . -}}
{{- include "plinth.validate.traffic" . -}}
{{- include "plinth.validate.operator" . -}}
{{- include "plinth.validate.volumes" (list "" .Values) -}}
{{- include "plinth.validate.volumes" (list "migrations." .Values.migrations) -}}
{{- end -}}

{{/* A null takes a default away: what cannot be without one, by its group. Others are empty then. */}}
{{- define "plinth.needed" -}}
"": [image, replicaCount, drainSeconds, shutdownSeconds, terminationGracePeriodSeconds, service, autoscaling, podDisruptionBudget,
  networkPolicy, ingress, httpRoute, serviceMonitor, database, migrations, postgresql, readiness, operator, crds, ids, gatedMigrations]
image: [repository, pullPolicy]
serviceAccount: [create]
service: [type]
autoscaling: [enabled, minReplicas, maxReplicas, targetCPUUtilizationPercentage]
podDisruptionBudget: [enabled, maxUnavailable]
networkPolicy: [enabled, databasePort]
ingress: [enabled]
httpRoute: [enabled]
serviceMonitor: [enabled, interval]
prometheusRule: [enabled]
dashboard: [enabled]
database: [secretKeys, tls, pooler]
database.tls: [caKey]
migrations: [mode, activeDeadlineSeconds, serviceAccountName, ttlSecondsAfterFinished]
postgresql: [image, persistence, auth]
postgresql.image: [repository, tag, pullPolicy]
postgresql.persistence: [enabled, size]
readiness: [mode]
operator: [enabled, pollInterval]
operator.serviceAccount: [create]
crds: [upgrade]
ids: [below18]
gatedMigrations: [uuidv7]
gatedMigrations.uuidv7: [enabled, approval, minServerVersion]
{{- end -}}

{{- define "plinth.validate.nulls" -}}
{{- range $group, $keys := include "plinth.needed" . | fromYaml -}}
{{- $values := $.Values -}}
{{- range splitList "." $group | compact }}{{ $values = index $values . }}{{ end -}}
{{- range ternary list $keys (kindIs "invalid" $values) -}}
{{- if kindIs "invalid" (index $values .) -}}
{{- fail (printf "%s is null: give it a value, or leave it out for its default." (printf "%s.%s" $group . | trimPrefix ".")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A mount of a volume that is not there is refused by the API server too, but not with what to do. Takes (list prefix values). */}}
{{- define "plinth.validate.volumes" -}}
{{- $prefix := index . 0 -}}
{{- $values := index . 1 -}}
{{- $names := list -}}
{{- range $values.extraVolumes }}{{ $names = append $names .name }}{{ end -}}
{{- range $values.extraVolumeMounts -}}
{{- if not (has .name $names) -}}
{{- fail (printf "%sextraVolumeMounts mounts %q, which %sextraVolumes does not hold: add that volume, or correct the name." $prefix .name $prefix) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A duration such as 1h30m, in seconds. */}}
{{- define "plinth.seconds" -}}
{{- $sum := 0 -}}
{{- range $unit, $seconds := dict "h" 3600 "m" 60 "s" 1 -}}
{{- $sum = add $sum (mul $seconds (regexFind (print "[0-9]+" $unit) $ | trimSuffix $unit | int)) -}}
{{- end -}}
{{ $sum }}
{{- end -}}

{{- define "plinth.validate.operator" -}}
{{- $interval := include "plinth.seconds" .Values.operator.pollInterval | int -}}
{{- if or (lt $interval 1) (gt $interval 86400) -}}
{{- fail (printf "operator.pollInterval is %s, which the cluster would refuse: give 1s to 24h." .Values.operator.pollInterval) -}}
{{- end -}}
{{- $account := .Values.operator.serviceAccount | default (dict "create" true) -}}
{{- if and .Values.operator.enabled (not (or $account.create $account.name)) -}}
{{- fail "operator.serviceAccount.create is false without a name, so every pod of the namespace that uses the ServiceAccount default would get the operator's rights: set operator.serviceAccount.name." -}}
{{- end -}}
{{- $app := .Values.serviceAccount | default (dict "create" true) -}}
{{- if and .Values.operator.enabled $app.create $account.create $app.name (eq $app.name (default "" $account.name)) -}}
{{- fail (printf "serviceAccount.name and operator.serviceAccount.name are both %s: the chart would make it twice, and the API would have the operator's; give one of them another name." $app.name) -}}
{{- end -}}
{{- $namespaces := .Values.operator.watchNamespaces -}}
{{- if and (has "*" $namespaces) (gt (len $namespaces) 1) -}}
{{- fail "operator.watchNamespaces names \"*\" beside other namespaces: \"*\" already means all, so name it alone." -}}
{{- end -}}
{{- $watched := or (not $namespaces) (has "*" $namespaces) (has .Release.Namespace $namespaces) -}}
{{- if and .Values.operator.enabled .Values.gatedMigrations.uuidv7.enabled (not $watched) -}}
{{- fail (printf "operator.watchNamespaces leaves out the release's own namespace, so nobody would watch its GatedMigration: add %s, or set gatedMigrations.uuidv7.enabled to false." .Release.Namespace) -}}
{{- end -}}
{{- end -}}

{{- define "plinth.validate.traffic" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled is true without a host, so it would lead nowhere: name one in ingress.hosts, such as [{host: api.example}]." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.enabled is true without a Gateway, so nothing would lead to it: name one in httpRoute.parentRefs, such as [{name: public}]." -}}
{{- end -}}
{{- $monitor := .Values.serviceMonitor -}}
{{- if gt (include "plinth.seconds" (toString $monitor.scrapeTimeout) | int) (include "plinth.seconds" $monitor.interval | int) -}}
{{- fail (printf "serviceMonitor.scrapeTimeout is %s, above serviceMonitor.interval, which is %s: the Prometheus operator would drop the monitor; lower the one or raise the other." $monitor.scrapeTimeout $monitor.interval) -}}
{{- end -}}
{{- if and .Values.podDisruptionBudget.enabled (has (toString .Values.podDisruptionBudget.maxUnavailable) (list "0" "0%")) -}}
{{- fail "podDisruptionBudget.maxUnavailable is 0, so no node with a pod of the API could be drained: let at least 1 be away." -}}
{{- end -}}
{{- $scale := .Values.autoscaling -}}
{{- if and $scale.enabled (not (dig "requests" "cpu" "" (.Values.resources | default dict))) -}}
{{- fail "autoscaling.enabled is true, but there is no resources.requests.cpu that autoscaling.targetCPUUtilizationPercentage could be a part of: set it, or no pod is ever added." -}}
{{- end -}}
{{- if and $scale.enabled (gt (int $scale.minReplicas) (int $scale.maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas is %v, above autoscaling.maxReplicas, which is %v: lower the one or raise the other." $scale.minReplicas $scale.maxReplicas) -}}
{{- end -}}
{{- end -}}

{{/* What the app refuses at its start. */}}
{{- define "plinth.validate.timeouts" -}}
{{- $settings := .Values.settings | default dict -}}
{{- $interval := $settings.readiness_interval | default 2 -}}
{{- $timeout := $settings.readiness_timeout | default 1.5 -}}
{{- if gt (float64 $timeout) (float64 $interval) -}}
{{- fail (printf "settings.readiness_timeout is %v and must not exceed settings.readiness_interval, which is %v: lower the one or raise the other, or no pod starts." $timeout $interval) -}}
{{- end -}}
{{- $command := $settings.database_command_timeout | default 10 -}}
{{- $statement := $settings.database_statement_timeout | default 0 -}}
{{- if ge (float64 $statement) (float64 $command) -}}
{{- fail (printf "settings.database_statement_timeout is %v and must be below settings.database_command_timeout, which is %v: lower the one or raise the other, or no pod starts." $statement $command) -}}
{{- end -}}
{{- end -}}

{{- define "plinth.validate.database" -}}
{{- $database := .Values.database -}}
{{- $owner := .Values.migrations.existingSecret -}}
{{- if and .Values.postgresql.enabled (or $database.existingSecret $owner) -}}
{{- fail "postgresql.enabled is true, and database.existingSecret or migrations.existingSecret names a secret: there would be two databases; leave out one of them." -}}
{{- end -}}
{{- if not (or (include "plinth.embedded" .) $database.existingSecret) -}}
{{- fail "No database: set database.existingSecret to the secret of the API's role, or leave postgresql.enabled unset for the embedded evaluation database." -}}
{{- end -}}
{{- if and (include "plinth.embedded" .) (or $database.tls.caSecret (not (has (include "plinth.tlsMode" .) (list "disable")))) -}}
{{- fail "The embedded database speaks no TLS: leave out database.tls, or name your own database by database.existingSecret." -}}
{{- end -}}
{{- if and $database.tls.caSecret (eq (include "plinth.tlsMode" .) "disable") -}}
{{- fail "database.tls.mode is disable, so the CA in database.tls.caSecret would never be used: leave out one of them." -}}
{{- end -}}
{{- if and (eq $database.pooler "transaction") (not $owner) -}}
{{- fail "database.pooler is transaction: set migrations.existingSecret to a secret with a direct connection, as migrations and the operator cannot go through the pooler." -}}
{{- end -}}
{{- if and (eq $database.pooler "transaction") (eq $database.existingSecret $owner) -}}
{{- fail "database.pooler is transaction, and migrations.existingSecret names the secret of the pooler: name one with a direct connection, as migrations and the operator cannot go through the pooler." -}}
{{- end -}}
{{- if and (include "plinth.embedded" .) (not (has (.Values.migrations.appRole | default "plinth_app") (list "plinth_app"))) -}}
{{- fail (printf "migrations.appRole is %s, but the API's role in the embedded database is plinth_app, which would have no rights: leave it out." .Values.migrations.appRole) -}}
{{- end -}}
{{- end -}}

{{- define "plinth.validate.tokens" -}}
{{- $settings := .Values.settings | default dict -}}
{{- $given := list -}}
{{- range list "jwt_jwks_url" "jwt_issuer" "jwt_audience" }}{{ if index $settings . }}{{ $given = append $given . }}{{ end }}{{ end -}}
{{- if and $given (ne ($settings.tenant_source | default "none") "jwt") -}}
{{- fail (printf "settings.%s is set, but nobody asks for a token, and no pod starts: set settings.tenant_source to jwt, or leave it out." (first $given)) -}}
{{- end -}}
{{- if eq ($settings.tenant_source | default "none") "jwt" -}}
{{- range list "jwt_jwks_url" "jwt_issuer" "jwt_audience" -}}
{{- if not (index $settings .) -}}
{{- fail (printf "settings.tenant_source is jwt: set settings.%s too, or no token can be verified." .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "plinth.validate.shutdown" -}}
{{- $needed := addf .Values.drainSeconds .Values.shutdownSeconds 5 -}}
{{- if lt (float64 .Values.terminationGracePeriodSeconds) $needed -}}
{{- fail (printf "terminationGracePeriodSeconds is %v: it must be at least drainSeconds + shutdownSeconds + 5 = %v, or pods are killed with requests in flight." .Values.terminationGracePeriodSeconds $needed) -}}
{{- end -}}
{{- end -}}

{{- define "plinth.pods" -}}
{{ ternary .Values.autoscaling.maxReplicas .Values.replicaCount .Values.autoscaling.enabled | int }}
{{- end -}}

{{/* Connections of so many pods, with both kinds of migration running. Takes (list $ pods). */}}
{{- define "plinth.connections" -}}
{{- $root := index . 0 -}}
{{- $settings := $root.Values.settings | default dict -}}
{{- $pool := add ($settings.database_pool_size | default 5) (ternary $settings.database_pool_overflow 5 (hasKey $settings "database_pool_overflow")) -}}
{{- add (mul (index . 1) (add $pool 2)) 3 (ternary 4 0 $root.Values.operator.enabled) -}}
{{- end -}}

{{/* PostgreSQL's own limit, less what it keeps for superusers, where the database is the chart's. */}}
{{- define "plinth.validate.connections" -}}
{{- $limit := .Values.database.connectionLimit -}}
{{- $own := and (eq (include "plinth.embedded" .) "true") (empty $limit) -}}
{{- $limit = ternary 97 $limit $own -}}
{{- $needed := include "plinth.connections" (list . (include "plinth.pods" . | add 1)) | int -}}
{{- if and $limit (gt $needed (int $limit)) -}}
{{- $remedy := ternary "name a larger database by database.existingSecret" "raise it" $own -}}
{{- fail (printf "database.connectionLimit is %v, but up to %v connections are opened (each pod, and one more while rolling out: pool + overflow + 2; migrations 3; operator and its Jobs 4): %s, or lower settings.database_pool_size, settings.database_pool_overflow or the pods." $limit $needed $remedy) -}}
{{- end -}}
{{- end -}}
