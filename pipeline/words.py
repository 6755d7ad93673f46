"""Sentences that can be told in another language where they are shown, though nothing here knows any."""

from typing import Any


class Sentence(str):
    """An English sentence that keeps what it was made of.

    Attributes:
        template: the sentence with %(name)s for each value, as translators get it.
        plural: the template for other counts than one, where there is a count; else "".
        values: what stands for the names; "count" chooses between the templates.
    """

    template: str
    plural: str
    values: dict[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep all of it across processes."""
        return _made, (self.template, self.plural, self.values)


def sentence(template: str, /, **values: Any) -> Sentence:
    """A sentence with its values (text and numbers) put in.

    `script/messages` collects the templates, so that they are written out whole.
    """
    return _made(template, "", values)


def counted(one: str, several: str, count: int, /, **values: Any) -> Sentence:
    """A sentence in the form that fits a count, which stands for %(count)s."""
    return _made(one, several, {"count": count, **values})


def to_json(text: str) -> Any:
    """A sentence for another process; a plain text as it is."""
    if not isinstance(text, Sentence):
        return text
    return {"template": text.template, "plural": text.plural, "values": text.values}


def from_json(content: Any) -> str:
    """A sentence of `to_json`, or a plain text as it is."""
    return _made(**content) if isinstance(content, dict) else str(content)


def _made(template: str, plural: str, values: dict[str, Any]) -> Sentence:
    made = Sentence((plural if plural and values["count"] != 1 else template) % values)
    made.template, made.plural, made.values = template, plural, values
    return made
