"""What `helm test` runs: is the release ready, and can a project be created, read and deleted where there are any?"""

import json
import sys
import urllib.request
from email.message import Message
from urllib.error import HTTPError
from uuid import uuid4

service, examples = sys.argv[1], sys.argv[2] == "examples=true"
tenant = str(uuid4())  # of nobody: where tenants come from a header, nobody sees what is made here


def call(method: str, path: str, body: object = None, **headers: str) -> tuple[Message, bytes]:
    headers |= {"Content-Type": "application/json", "X-Tenant-Id": tenant, "X-User-Id": "helm-test"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(service + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        print(method, path, response.status, flush=True)
        return response.headers, response.read()


call("GET", "/readyz")
if not examples:
    print("This release serves no examples: readiness alone was tried.")
    sys.exit()
try:
    _, made = call("POST", "/api/v1/projects", {"name": "helm test"})
except HTTPError as error:
    if error.code != 401:
        raise
    print("This release wants tokens, and there is none here: readiness alone was tried.")
    sys.exit()
project = "/api/v1/projects/" + json.loads(made)["id"]
headers, _ = call("GET", project)
call("DELETE", project, **{"If-Match": headers["ETag"]})
