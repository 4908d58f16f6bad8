{{/* What the operator may do in a namespace it watches; nothing it does not do. */}}
{{- define "plinth.operatorRules" -}}
- apiGroups: [plinth.dev]
  resources: [gatedmigrations]
  verbs: [get, list, watch]
- apiGroups: [plinth.dev]
  resources: [gatedmigrations/status]
  verbs: [patch]
# The migration's Jobs, and what their pods said at the end.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, create]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
# Addresses of databases: read when needed, by name.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}
