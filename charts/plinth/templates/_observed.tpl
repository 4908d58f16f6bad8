{{/* A file of files/ for this release alone; braces in it are Prometheus' and Grafana's. Takes (list $ path). */}}
{{- define "plinth.observed" -}}
{{- $root := index . 0 -}}
{{- $full := include "plinth.full" $root -}}
{{- $own := printf "namespace='%s', job='%s%%s-metrics'" $root.Release.Namespace $full -}}
{{- $runbook := dig "runbookBaseUrl" "" ($root.Values.prometheusRule | default dict) | default "docs" | trimSuffix "/" -}}
{{- $silence := add 600 (mul 3 (include "plinth.seconds" $root.Values.operator.pollInterval | int)) -}}
{{- $words := dict "app" (printf $own "") "operator" (printf $own "-operator") "full" $full "namespace" $root.Release.Namespace -}}
{{- $text := $root.Files.Get (index . 1) -}}
{{- range $word, $meaning := merge $words (dict "runbook" (print $runbook "/runbook.md") "silence" (toString $silence)) -}}
{{- $text = replace (printf "<%s>" $word) $meaning $text -}}
{{- end -}}
{{- $text -}}
{{- end -}}
