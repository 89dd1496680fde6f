"""A store knows the keys it was written with, and refuses a keyring that has none of them.

With other keys each post would be a new one under new pseudonyms, and deleted posts would come
back. Check values (:meth:`ingest.privacy.keyring.Key.check_value`) tell nothing of a key.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import StoreError


def keys_to_write(
    place: str, keyring: Path, stored: frozenset[str], own: frozenset[str], *, instead: str
) -> frozenset[str] | None:
    """Return the check values that a store is to keep, ``None`` if it has them already.

    ``stored`` are those that it has, none if nothing was written yet; ``own`` those of the
    keyring, none if there is no key yet; ``instead`` says what to do in place of this.
    Raises :class:`~pipelines.errors.StoreError` if the keyring has none of the stored ones.
    """
    if stored and not stored & own:
        what = "has no keys" if not own else "has other keys"
        raise StoreError(
            f"{place} was written with a keyring that is not {keyring}, which {what}: posts would "
            "be stored twice, and deleted ones would come back. Set MARSAD_KEYS to the keyring it "
            f"was written with (another HOME, sudo, cron and containers have one of their own), "
            f"or {instead}."
        )
    return None if own <= stored else stored | own
