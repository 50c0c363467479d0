"""Whom to believe, in figures: agreement in every direction, annotators one by one."""

from prefloop.annotation.quality.agreement import Agreement, agreement, long_format, measure, said
from prefloop.annotation.quality.report import Kappas, Report, Section, overall, report
from prefloop.annotation.quality.work import Work, of_batch, of_campaign

__all__ = [
    "Agreement",
    "Kappas",
    "Report",
    "Section",
    "Work",
    "agreement",
    "long_format",
    "measure",
    "of_batch",
    "of_campaign",
    "overall",
    "report",
    "said",
]
