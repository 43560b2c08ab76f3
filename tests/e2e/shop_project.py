"""A shop of several services: PostgreSQL, a web and a worker of one build, a site in Node."""

from __future__ import annotations

from pathlib import Path

from tests.e2e import harness

DOCKERFILE = """FROM python:3.13-slim
WORKDIR /srv
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
CMD ["python", "-u", "web.py"]
"""

STORE = """import os, urllib.parse, pg8000.native
at = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
def db():
    return pg8000.native.Connection(at.username, password=at.password, host=at.hostname)
"""

WEB = """import http.server, importlib.util, store
store.db().run("create table if not exists jobs (name text)")
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        db = store.db()
        if self.path == "/add":
            db.run("insert into jobs values ('one')")
        found = importlib.util.find_spec(self.path[5:]) if self.path.startswith("/has/") else None
        count = db.run("select count(*) from jobs")[0][0]
        body = f"%s {count} {found is not None}".encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("0.0.0.0", 8000), Page).serve_forever()
"""

WORKER = """import time
print("worker %s", flush=True)
while True:
    time.sleep(1)
"""

SITE = """console.log('site %s')
require('http').createServer((req, res) => res.end('%s')).listen(3000)
"""

COMPOSE = """services:
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: "se$$cret"}
    volumes: ["db:/var/lib/postgresql/data"]
    healthcheck: {test: [CMD, pg_isready, -U, postgres], interval: 300ms, retries: 60}
  web:
    build: ./api
    ports: ["127.0.0.1:%(web)d:8000"]
    environment: &url {DATABASE_URL: "postgres://postgres:se$$cret@db/postgres"}
    depends_on: {db: {condition: service_healthy}}
    stop_grace_period: 2s
  worker:
    build: ./api
    command: [python, worker.py]
    environment: *url
    depends_on: [db]
    stop_grace_period: 2s
  site:
    build: ./site
    ports: ["127.0.0.1:%(site)d:3000"]
    depends_on: {web: {condition: service_started, restart: true}}
    stop_grace_period: 2s
  cache:
    image: redis:7
    depends_on: {web: {condition: service_started, restart: true}}
volumes: {db: {}}
"""


def shop(root: Path, web: int, site: int) -> Path:
    root.mkdir(mode=0o755)
    return harness.write(
        root,
        {
            "compose.yaml": COMPOSE % {"web": web, "site": site},
            "api/Dockerfile": DOCKERFILE,
            "api/requirements.txt": "pg8000\n",
            "api/store.py": STORE,
            "api/web.py": WEB % "web1",
            "api/worker.py": WORKER % "1",
            "site/Dockerfile": "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nCMD node server.js\n",
            "site/package.json": '{"name": "site"}',
            "site/server.js": SITE % ("1", "site1"),
        },
    )
