"""What is always so of Rust: its commands and packages."""

from __future__ import annotations

from devloop.stacks.facts import Facts, Install, names
from devloop.stacks.rust.cargo import CARGO

FACTS = Facts(
    found_by=(CARGO,),
    installs=(Install(("cargo", "fetch")),),
    declares=(CARGO,),
    services={
        "redis": names("redis"),
        "postgres": names("postgres tokio-postgres"),
        "mysql": names("mysql mysql_async"),
        "mongo": names("mongodb"),
        "rabbitmq": names("lapin"),
    },
    served=(".rs",),
    extensions=("rust-lang.rust-analyzer",),
)
