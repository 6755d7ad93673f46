"""What customers are told of the source of a campaign: nothing."""

from pipeline.redaction import redacted


def without_source(text: str, catalog: str) -> str:
    """A sentence for a customer, who is not told where the source lies, however its address was written."""
    for written in (catalog, redacted(catalog), catalog.partition("?")[0]):
        text = text.replace(written, "the campaign's source")
    return text
