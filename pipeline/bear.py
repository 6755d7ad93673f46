"""Which faults of a source are borne at once, and which are a reason to come again later."""

from dataclasses import dataclass

from pipeline.errors import SourceError, TransientSourceError


@dataclass(frozen=True)
class Bear:
    """What is done without a scene that cannot be had.

    Attributes:
        silence: go on without one whose source does not answer.
        nonsense: go on without one whose source answers with what cannot be used.
    """

    silence: bool = True
    nonsense: bool = True

    def or_later(self, error: SourceError) -> None:
        """Return where a fault is to be borne.

        Raises:
            TransientSourceError: it is not: the source may have recovered by then.
        """
        if isinstance(error, TransientSourceError):
            if not self.silence:
                raise error
        elif not self.nonsense:
            raise TransientSourceError(str(error)) from error


AT_ONCE = Bear()
