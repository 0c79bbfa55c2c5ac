"""A trunk's user and password, the password from a file: settings are shown, logged and inherited; a file is not."""

from pathlib import Path
from typing import Final

from shared.domain.errors import Invalid
from shared.sip.digest import Credentials

_MOST_BYTES: Final = 1024


def read_credentials(
    user: str | None,
    secret_file: Path | None,
    *,
    user_field: str = "PACELINE_SIP_USER",
    file_field: str = "PACELINE_SIP_SECRET_FILE",
) -> Credentials | None:
    """Return what a trunk knows us by, None where it does not ask; raises Invalid for half of it.

    The fields are named as whoever reads the sentence has written them.
    """
    if user is None and secret_file is None:
        return None
    if user is None or secret_file is None:
        raise Invalid(user_field, f"Give both {user_field} and {file_field}, or neither.")
    if not user.isprintable():  # it stands in a header
        raise Invalid(user_field, "A trunk's user must be printable characters: no line break, no tab.")
    try:
        with secret_file.open("rb") as file:
            secret = file.read(_MOST_BYTES + 1)
        password = secret.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(file_field, f"The file {secret_file} cannot be read: {error}.") from error
    if not password or len(secret) > _MOST_BYTES:
        raise Invalid(file_field, f"The file {secret_file} must hold one password.")
    return Credentials(username=user, password=password)
