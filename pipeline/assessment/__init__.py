"""How good a finished composite is, held against the truth of simulated scenes or against its own scenes."""

from pipeline.assessment.assess import assess

__all__ = ["assess"]
