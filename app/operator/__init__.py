"""The operator: runs a gated revision on a database once its server is new enough.

`plinth operator` is its command; `kopf run -m app.operator -n <namespace> -L http://0.0.0.0:8080/livez` works too. What
it may do, in each namespace it watches: get, list and watch gatedmigrations; patch gatedmigrations/status; get secrets;
create and list jobs; list pods; create events.
"""

from app.operator import main as main  # so that kopf finds the handlers
