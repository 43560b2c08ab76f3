from __future__ import annotations

from tests.docs.generated import write

write()
