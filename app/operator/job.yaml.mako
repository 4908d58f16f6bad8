## The Job that runs a gated revision once. Each value is filled in as JSON, which is YAML: it stays one value.
<% wanted, database, ca = of.job_template, of.database, of.database.get("ca") %>\
apiVersion: batch/v1
kind: Job
metadata:
  name: ${name}
  namespace: ${of.namespace}
  labels: &labels
    app.kubernetes.io/name: plinth
    app.kubernetes.io/component: migrate
    app.kubernetes.io/managed-by: plinth-operator
    plinth.dev/gated-migration: ${of.name}
  ownerReferences:
    # Without blockOwnerDeletion: that one needs rights on the resource's finalizers.
    - apiVersion: plinth.dev/v1alpha1
      kind: GatedMigration
      name: ${of.name}
      uid: ${of.uid}
      controller: true
spec:
  # Attempts are the operator's: it waits between them, and tells what became of each.
  backoffLimit: 0
  activeDeadlineSeconds: ${wanted["activeDeadlineSeconds"]}
  ttlSecondsAfterFinished: ${wanted["ttlSecondsAfterFinished"]}
  template:
    metadata:
      labels:
        # The first wins: selectors rely on the operator's own.
        <<: [*labels, ${wanted.get("podLabels", {})}]
      annotations: ${wanted.get("podAnnotations", {})}
    spec:
      restartPolicy: Never
% for key in ("serviceAccountName", "nodeSelector", "tolerations", "imagePullSecrets"):
  % if key in wanted:
      ${key}: ${wanted[key]}
  % endif
% endfor
      # Someone who names an account needs its token.
      automountServiceAccountToken: ${"serviceAccountName" in wanted}
      # A Service named plinth-metrics would give the pod a variable PLINTH_METRICS_PORT.
      enableServiceLinks: false
      securityContext:
        # The user is the image's, a number; or the platform's, as OpenShift wants.
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: migrate
          image: ${wanted["image"]}
          args: [migrate, --gated, ${of.revision}]
          env:
            - name: PLINTH_IMAGE
              value: ${wanted["image"]}
% if database.get("tlsMode"):
            - name: PLINTH_DATABASE_TLS_MODE
              value: ${database["tlsMode"]}
% endif
% if ca:
            - name: PLINTH_DATABASE_TLS_CA
              value: ${f"/run/secrets/plinth-ca/{ca['key']}"}
% endif
          resources: ${wanted.get("resources", {})}
          terminationMessagePolicy: FallbackToLogsOnError
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          volumeMounts:
            - name: database
              mountPath: /run/secrets/plinth
              readOnly: true
% if ca:
            - name: ca
              mountPath: /run/secrets/plinth-ca
              readOnly: true
% endif
      volumes:
        - name: database
          secret:
            secretName: ${database["name"]}
            # A secret with a URI alone, or with parts alone, is complete.
            optional: true
            items:
% for part, setting in files.items():
              - key: ${database["keys"][part]}
                path: ${f"PLINTH_{setting.upper()}"}
% endfor
% if ca:
        - name: ca
          secret:
            secretName: ${ca["name"]}
            items:
              - key: ${ca["key"]}
                path: ${ca["key"]}
% endif
