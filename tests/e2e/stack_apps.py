"""One small real app a stack and manager, with the edits that the matrix makes to it.

Each answers `/` with a text of its own. ``answer`` writes the source that answers with a text,
``richer`` the one that needs the second dependency, ``more`` is the manifest that brings it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from pip._internal.models.index import PyPI

Files = Mapping[str, str]


@dataclass(frozen=True)
class Kind:
    """A stack's app: ``lock`` is run in ``image`` to write what the manager locks."""

    name: str
    image: str
    port: int
    source: str
    answer: str
    files: Files
    manager: str = ""
    richer: str = ""
    more: Files = field(default_factory=dict)
    lock: str = ""
    action: str = "restart"

    def says(self, text: str) -> Files:
        """Give the source that answers with a text."""
        return {self.source: self.answer.replace("TEXT", text)}

    def needs_more(self) -> Files:
        """Give the project that has, and uses, the second dependency."""
        return {**self.more, self.source: self.richer or self.answer}


NODE_ANSWER = """const express = require('express')
express().get('/', (q, r) => r.send('TEXT')).listen(3000, '0.0.0.0')
"""
NODE_RICHER = """const express = require('express')
express().get('/', (q, r) => r.send('odd ' + require('is-odd')(3))).listen(3000, '0.0.0.0')
"""


def _node(name: str, manager: str, lock: str) -> Kind:
    def package(**more: str) -> str:
        dependencies = {"express": "^4.18.0", **more}
        pinned = {"packageManager": manager} if manager else {}
        manifest = {"name": "shop", "main": "server.js", "dependencies": dependencies, **pinned}
        return json.dumps(manifest)

    return Kind(
        name=name,
        manager=name.split("-", maxsplit=1)[0],
        image="node:22-slim",
        port=3000,
        source="server.js",
        answer=NODE_ANSWER,
        richer=NODE_RICHER,
        files={"package.json": package()},
        more={"package.json": package(**{"is-odd": "^3.0.1"})},
        lock=lock,
    )


FLASK_ANSWER = """from flask import Flask
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "TEXT")
"""
FLASK_RICHER = """from flask import Flask
import tomli
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "odd " + str(bool(tomli)).lower())
"""


def _python(manager: str, manifest: str, text: str, more: str, lock: str) -> Kind:
    return Kind(
        name=manager,
        manager=manager,
        image="python:3.13-slim",
        port=5000,
        source="app.py",
        answer=FLASK_ANSWER,
        richer=FLASK_RICHER,
        files={manifest: text},
        more={manifest: more},
        lock=lock,
    )


PROJECT = """[project]
name = "shop"
version = "1.0.0"
requires-python = ">=3.11"
dependencies = [%s]
"""
# A named source, since not every mirror of the index has what Poetry asks the index itself for.
POETRY = f"""[[tool.poetry.source]]
name = "index"
url = "{os.environ.get("PIP_INDEX_URL") or PyPI.simple_url}"
priority = "primary"
[tool.poetry]
name = "shop"
version = "1.0.0"
package-mode = false
[tool.poetry.dependencies]
python = ">=3.11,<4"
%s
"""

GO_ANSWER = """package main

import (
\t"fmt"
\t"net/http"

\t"github.com/google/uuid"
)

func main() {
\thttp.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "TEXT") })
\t_ = uuid.Nil
\tpanic(http.ListenAndServe(":8080", nil))
}
"""
GO_RICHER = """package main

import (
\t"fmt"
\t"net/http"

\t"github.com/google/uuid"
\t"github.com/pkg/errors"
)

func main() {
\thttp.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
\t\tfmt.Fprint(w, errors.New("odd true"))
\t})
\t_ = uuid.Nil
\tpanic(http.ListenAndServe(":8080", nil))
}
"""

RUST_ANSWER = """use std::io::{Read, Write};

fn main() {
    let server = std::net::TcpListener::bind("0.0.0.0:3000").unwrap();
    for link in server.incoming() {
        let mut link = link.unwrap();
        let _ = link.read(&mut [0; 1024]);
        let text = format!("{}{}", "TEXT", &itoa::Buffer::new().format(1)[1..]);
        let head = format!("HTTP/1.1 200 OK\\r\\nContent-Length: {}\\r\\n\\r\\n", text.len());
        let _ = write!(link, "{}{}", head, text);
    }
}
"""
RUST_RICHER = RUST_ANSWER.replace('"TEXT"', '"odd true"').replace(
    "&itoa::Buffer::new().format(1)[1..]", "&ryu::Buffer::new().format(1.0)[3..]"
)
CARGO = (
    '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nitoa = "1"\n'
)

SPRING = """package shop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@SpringBootApplication
@RestController
public class Shop {
  @GetMapping("/")
  public String index() {
    return ANSWER;
  }

  public static void main(String[] arguments) {
    SpringApplication.run(Shop.class, arguments);
  }
}
"""
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>3.5.7</version>
  </parent>
  <groupId>shop</groupId>
  <artifactId>shop</artifactId>
  <version>1.0.0</version>
  <properties><java.version>21</java.version></properties>
  <dependencies>
    <dependency>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-starter-web</artifactId>
    </dependency>%s
  </dependencies>
  <build><plugins><plugin>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-maven-plugin</artifactId>
  </plugin></plugins></build>
</project>
"""
LANG = """
    <dependency>
      <groupId>org.apache.commons</groupId>
      <artifactId>commons-text</artifactId>
      <version>1.12.0</version>
    </dependency>"""

RUBY_ANSWER = """require 'socket'
server = TCPServer.new('0.0.0.0', 4567)
loop do
  link = server.accept
  link.readpartial(1024)
  link.write("HTTP/1.1 200 OK\\r\\nContent-Length: #{'TEXT'.size}\\r\\n\\r\\nTEXT")
  link.close
end
"""

ELIXIR_ANSWER = """defmodule Shop do
  use Application

  def start(_type, _arguments) do
    {:ok, server} = :gen_tcp.listen(4000, [:binary, active: false, reuseaddr: true])
    pid = spawn(fn -> :timer.sleep(:infinity) end)
    :gen_tcp.controlling_process(server, pid)
    spawn(fn -> serve(server) end)
    {:ok, pid}
  end

  defp serve(server) do
    {:ok, link} = :gen_tcp.accept(server)
    :gen_tcp.recv(link, 0)
    text = "TEXT"
    head = "HTTP/1.1 200 OK\\r\\nContent-Length: #{byte_size(text)}\\r\\n\\r\\n"
    :gen_tcp.send(link, head <> text)
    :gen_tcp.close(link)
    serve(server)
  end
end
"""
MIX = """defmodule Shop.MixProject do
  use Mix.Project

  def project do
    [app: :shop, version: "0.1.0", elixir: "~> 1.15", deps: []]
  end

  def application do
    [mod: {Shop, []}]
  end
end
"""

KINDS = (
    _node("npm", "", "npm install --package-lock-only"),
    _node("pnpm", "pnpm@9.15.9", "corepack pnpm install --lockfile-only"),
    _node("yarn", "", "yarn install && rm -r node_modules"),
    _node("yarn-berry", "yarn@4.5.3", "corepack yarn install --mode=update-lockfile"),
    _python("pip", "requirements.txt", "flask\n", "flask\ntomli\n", ""),
    _python(
        "uv",
        "pyproject.toml",
        PROJECT % '"flask"',
        PROJECT % '"flask", "tomli"',
        "pip install -q uv && uv lock -q",
    ),
    _python(
        "poetry",
        "pyproject.toml",
        POETRY % 'flask = "*"',
        POETRY % 'flask = "*"\ntomli = "*"',
        "pip install -q poetry && poetry lock -q",
    ),
    Kind(
        name="go",
        manager="go",
        image="golang:1.24",
        port=8080,
        source="main.go",
        answer=GO_ANSWER,
        richer=GO_RICHER,
        files={"go.mod": "module shop\n\ngo 1.24\n\nrequire github.com/google/uuid v1.6.0\n"},
        more={
            "go.mod": "module shop\n\ngo 1.24\n\nrequire (\n\tgithub.com/google/uuid v1.6.0\n"
            "\tgithub.com/pkg/errors v0.9.1\n)\n"
        },
        lock="go mod tidy",
    ),
    Kind(
        name="rust",
        manager="cargo",
        image="rust:1.85-slim",
        port=3000,
        source="src/main.rs",
        answer=RUST_ANSWER,
        richer=RUST_RICHER,
        files={"Cargo.toml": CARGO},
        more={"Cargo.toml": f'{CARGO}ryu = "1"\n'},
        lock="cargo generate-lockfile",
    ),
    Kind(
        name="maven",
        manager="maven",
        image="maven:3.9-eclipse-temurin-21",
        port=8080,
        source="src/main/java/shop/Shop.java",
        answer=SPRING.replace("ANSWER", '"TEXT"'),
        richer=SPRING.replace(
            "ANSWER", 'org.apache.commons.text.WordUtils.uncapitalize("Odd true")'
        ),
        files={"pom.xml": POM % ""},
        more={"pom.xml": POM % LANG},
    ),
    Kind(
        name="ruby",
        manager="bundler",
        image="ruby:3.3-slim",
        port=4567,
        source="app.rb",
        answer=RUBY_ANSWER,
        files={"Gemfile": 'source "https://example.invalid"\n'},
        lock="bundle lock",
    ),
    Kind(
        name="php",
        image="php:8.4-cli",
        port=8000,
        source="index.php",
        answer="<?php echo 'TEXT';\n",
        files={},
        action="reload",
    ),
    Kind(
        name="elixir",
        manager="mix",
        image="elixir:1.18-slim",
        port=4000,
        source="lib/shop.ex",
        answer=ELIXIR_ANSWER,
        files={"mix.exs": MIX},
    ),
    Kind(
        name="static",
        image="nginx:1.26",
        port=8080,
        source="index.html",
        answer="TEXT",
        files={"style.css": "body {}\n"},
        action="reload",
    ),
)
