"""How a service tells whoever started it that it answers now."""

import json
from pathlib import Path


def announce_ready(path: Path | None, *, service: str, port: int | None = None) -> None:
    """Write `{"service", "port"}` to the file, in one step, when somebody asked for it."""
    if path is None:
        return
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"service": service, "port": port}), encoding="utf-8")
    draft.replace(path)
