## What `kubectl describe` and `kubectl events` show. Each value is filled in as JSON, as in the Job.
apiVersion: v1
kind: Event
metadata:
  name: ${name}
  namespace: ${of.namespace}
involvedObject:
  apiVersion: plinth.dev/v1alpha1
  kind: GatedMigration
  name: ${of.name}
  namespace: ${of.namespace}
  uid: ${of.uid}
type: ${type}
reason: ${reason}
message: ${message}
source:
  component: plinth-operator
reportingComponent: plinth-operator
firstTimestamp: ${now}
lastTimestamp: ${now}
count: 1
