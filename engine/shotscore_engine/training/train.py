"""`shotscore train codec|denoiser …`: the two networks, in this order; `shotscore train export …` ships them."""

import sys

from ..errors import InputError


def main(arguments: list[str] | None = None) -> int:
    """The command; what follows the network's name is its own command's."""
    words = sys.argv[1:] if arguments is None else arguments
    match words[:1]:
        case ["codec"]:
            from .train_codec import main as run
        case ["denoiser"]:
            from .train_denoiser import main as run
        case ["export"]:
            from .export import main as run
        case _:
            raise InputError(f"{' '.join(words[:1]) or 'Nothing'} cannot be trained; choose codec, denoiser or export.")
    return run(words[1:])


if __name__ == "__main__":
    raise SystemExit(main())
