# Paperround with SQLite in a volume. Build: docker compose build
#
# The base image is pinned by its version. To pin what it contains too, append its digest (FROM python:…@sha256:…), as
# `docker buildx imagetools inspect python:3.12.12-slim-bookworm` prints it.
FROM python:3.12.12-slim-bookworm AS base

FROM base AS build
# Letters for charts, Hangul too: one family of the package is enough. binutils strips debugging symbols.
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils fonts-nanum \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml hatch_build.py constraints.txt README.md LICENSE ./
COPY bot ./bot
COPY storage ./storage
COPY templates ./templates
# The commit that `paperround --version` shows: docker build --build-arg COMMIT=$(git rev-parse HEAD) .
ARG COMMIT=
# pip stays in an environment of its own.
RUN python -m venv /opt/pip \
 && python -m venv --without-pip /opt/paperround \
 && /opt/pip/bin/pip --python /opt/paperround/bin/python install --no-cache-dir --no-compile -c constraints.txt .
# What a running bot never reads: tests, sources of compiled modules, the languages that it does not speak, lexers (rich
# prints no code), SQLAlchemy's test suite, the demo. Bytecode is compiled here, because a read-only root cannot keep it.
# tests/test_image.py runs the result.
RUN cd /opt/paperround/lib/python3*/site-packages \
 && find . -type d \( -name tests -o -name test \) -prune -exec rm -rf {} + \
 && find . -type f \( -name '*.c' -o -name '*.h' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyi' \) -delete \
 && find babel/locale-data -type f ! -name 'root.dat' ! -name 'en.dat' ! -name 'en_*.dat' ! -name 'ko*.dat' -delete \
 && find pygments/lexers -type f -name '*.py' ! -name '__init__.py' ! -name '_mapping.py' ! -name 'special.py' ! -name 'python.py' -delete \
 && rm -rf sqlalchemy/testing discord/bin bot/demo/media bot/demo/simcord_page bot/demo/pictures bot/demo/samples \
 && find . -type f -name '*.so' -exec strip --strip-debug {} + \
 && python -m compileall -q -j 2 --invalidation-mode unchecked-hash .

FROM base
RUN useradd --uid 10001 --no-create-home --home-dir /data paperround \
 && install --directory --owner=paperround --group=paperround /data
COPY --from=build /usr/share/fonts/truetype/nanum/NanumGothic.ttf /usr/share/fonts/truetype/nanum/NanumGothicBold.ttf /usr/share/fonts/truetype/nanum/
COPY --from=build /opt/paperround /opt/paperround
# Temporary files, such as large pages that wait to be read, are in the volume: a /tmp in memory counts as the bot's memory.
ENV PATH=/opt/paperround/bin:$PATH \
    XDG_CACHE_HOME=/data/cache \
    TMPDIR=/data \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PAPERROUND_DATABASE_URL=sqlite+aiosqlite:////data/paperround.db \
    PAPERROUND_INBOX=/data/inbox \
    PAPERROUND_HTTP=127.0.0.1:9464 \
    PAPERROUND_LOG=json
USER paperround
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["paperround", "healthcheck"]
# A wrong setting, which a restart does not mend, is waited for.
CMD ["paperround", "run", "--wait-for-settings"]
