"""What a command left."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def table(self) -> dict[str, Any]:
        """Standard output as the one JSON object it must be."""
        answer = json.loads(self.out)
        assert isinstance(answer, dict)
        return answer
