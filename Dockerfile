# One image, one entry point: `plinth serve`, `plinth migrate`, `plinth operator`.
# Built by Docker's BuildKit and by buildah alike. What goes in is listed in .dockerignore.
# A tag may move; to build on one image for ever, name it by its digest, and record the digest:
#   --build-arg BASE=python@sha256:<digest> --label org.opencontainers.image.base.digest=sha256:<digest>
ARG BASE=python:3.13-slim

# The dependencies are a stage of their own: a change of the sources then rebuilds in seconds.
FROM ${BASE} AS environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /srv/plinth
# At one fixed path in both stages, because the links and scripts of a virtual environment are absolute.
RUN python -m venv --without-pip /opt/venv
# `otel` for traces: what is installed then, and nothing else, is more.
ARG REQUIREMENTS=app
COPY requirements/${REQUIREMENTS}.txt requirements/build.txt requirements/
# Without looking for dependencies: the lock has them all, and a newer release of one must not come between.
RUN python -m pip --python /opt/venv/bin/python install --no-compile --only-binary=:all: --require-hashes --no-deps \
      --requirement "requirements/${REQUIREMENTS}.txt" --requirement requirements/build.txt \
 && find /opt/venv -depth \( -path '*/site-packages/*/tests' -o -path '*/site-packages/*/testing' \
      -o -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.hpp' -o -name '*.c' \) \
      -exec rm -rf {} +

# The project's name, version and `plinth` script. Editable: the sources come later, into the folder it points to.
# README.md is named by pyproject.toml and of no use here; an empty one spares a rebuild for each edit.
COPY pyproject.toml LICENSE ./
COPY app/__init__.py app/
RUN touch README.md \
 && python -m pip --python /opt/venv/bin/python install --no-compile --no-index --no-deps --no-build-isolation \
      --editable . \
 && python -m pip --python /opt/venv/bin/python uninstall --yes flit-core \
 # The root file system is read-only, so bytecode is compiled now or at every start. Unchecked: these never change.
 && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv

FROM environment AS sources
RUN rm -rf requirements README.md
COPY alembic.ini ./
COPY charts/plinth/crds charts/plinth/crds
COPY migrations migrations
COPY app app
# Checked: a live update (Tilt) may replace a source in a running container, and its old bytecode must not win.
RUN /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode checked-hash app migrations

FROM ${BASE}
# Nothing at run time installs packages; what cannot be used cannot be misused. The paths are those of the official
# image and of Debian's own Python.
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
      /usr/lib/python3/dist-packages/pip* /usr/lib/python3/dist-packages/setuptools* \
      /usr/lib/python3/dist-packages/wheel* /usr/lib/python3*/ensurepip /usr/share/python-wheels /usr/bin/pip* \
 && echo 'plinth:x:10001:10001::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
WORKDIR /srv/plinth
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
ENTRYPOINT ["plinth"]
CMD ["serve"]
COPY --from=environment /opt/venv /opt/venv
COPY --from=sources /srv/plinth /srv/plinth
# Last, because they change with every build.
ARG BASE
ARG VERSION=0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="plinth" \
      org.opencontainers.image.description="A FastAPI app, its migrations and its operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
