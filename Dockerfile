# Paperround with SQLite in a volume. Build: docker compose build
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY bot ./bot
COPY storage ./storage
COPY templates ./templates
RUN python -m venv /opt/paperround \
 && /opt/paperround/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.12-slim
# Letters for charts, Hangul too.
RUN apt-get update \
 && apt-get install -y --no-install-recommends fonts-nanum \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home --home-dir /data paperround
COPY --from=build /opt/paperround /opt/paperround
ENV PATH=/opt/paperround/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PAPERROUND_DATABASE_URL=sqlite+aiosqlite:////data/paperround.db \
    PAPERROUND_INBOX=/data/inbox \
    PAPERROUND_LOG=json
USER paperround
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=20s --start-period=30s CMD ["paperround", "doctor", "--quiet"]
CMD ["paperround", "run"]
