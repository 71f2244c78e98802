"""What attributes and artifacts of a trial may be: said where a script gives them, held by the server."""

KEY_LENGTH, NAME_LENGTH = 64, 200  # characters
VALUE_LENGTH = 10_000  # characters of JSON
FILE_BYTES = 256 * 2**20
MOST_OF_A_TRIAL = 100  # attributes, and as many artifacts


def problem_of_key(key: str) -> str | None:
    """Return why an attribute cannot be called so."""
    return _problem(key, KEY_LENGTH)


def problem_of_name(name: str) -> str | None:
    """Return why an artifact cannot be called so."""
    if name in (".", "..") or "/" in name or "\\" in name:
        return f"{name!r:.100} is not the name of a file without its folder"
    return _problem(name, NAME_LENGTH)


def problem_of_value(written: str) -> str | None:
    """Return why a value, as JSON, cannot be kept."""
    if len(written) > VALUE_LENGTH:
        return f"is {len(written):,} characters of JSON long; at most {VALUE_LENGTH:,} are kept"
    return None


def problem_of_size(size: int) -> str | None:
    """Return why a file of so many bytes cannot be kept."""
    if size > FILE_BYTES:
        return f"has {size / 2**20:,.0f} MB; at most {FILE_BYTES // 2**20} MB are kept"
    return None


def _problem(text: str, longest: int) -> str | None:
    if not text.strip() or not text.isprintable() or len(text) > longest:
        return f"{text!r:.100} is not a name of 1 to {longest} printable characters"
    return None
