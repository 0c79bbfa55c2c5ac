"""Keys that came before anybody listened (VoiceXML 2.0, 4.1.8)."""

from collections import deque

from shared.voicexml.limits import MAX_KEYS


class TypeAhead:
    """A caller who knows the way types ahead; the next input uses these keys instead of playing prompts."""

    def __init__(self) -> None:
        self._keys: deque[str] = deque()

    def __bool__(self) -> bool:
        return bool(self._keys)

    def add(self, key: str) -> None:
        """Keep a key; beyond `MAX_KEYS` the new ones are dropped, as they answer what is not asked yet."""
        if len(self._keys) < MAX_KEYS:
            self._keys.append(key)

    def put_back(self, key: str) -> None:
        """Return a key that was taken too early."""
        self._keys.appendleft(key)

    def pop(self) -> str:
        """Take the oldest key."""
        return self._keys.popleft()

    def clear(self) -> None:
        """Forget them all."""
        self._keys.clear()
