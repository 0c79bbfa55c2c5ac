"""Where a session is: the active document and the application that it belongs to (VoiceXML 2.0, 1.5)."""

from dataclasses import dataclass

from shared.voicexml.model import Catch, Document, Link, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A document, and the application root document around it, which may be absent."""

    document: Document
    root: Document | None
    #: What names the application: the URL of its root document, or the document's own.
    application_url: str

    @property
    def base_url(self) -> str:
        """What relative URLs start from; those in the root's handlers too (5.2)."""
        return self.document.base_url

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents from the inside out."""
        return (self.document,) if self.root is None else (self.document, self.root)

    @property
    def catches(self) -> tuple[Catch, ...]:
        """The handlers of the documents, innermost first (5.2.4)."""
        return self.document.catches if self.root is None else self.document.catches + self.root.catches

    @property
    def links(self) -> tuple[Link, ...]:
        """The links of the documents, innermost first."""
        return tuple(link for document in self.documents for link in document.links)

    @property
    def property_layers(self) -> tuple[Settings, ...]:
        """The properties of the documents, outermost first."""
        own = self.document.properties
        return (own,) if self.root is None else (self.root.properties, own)
