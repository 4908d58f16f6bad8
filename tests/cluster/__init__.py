"""How a person, `make up` and an end-to-end test get a Kubernetes cluster."""
