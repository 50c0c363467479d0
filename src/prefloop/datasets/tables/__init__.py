"""Judgments in any table: CSV, TSV, JSON Lines or a JSON array, read by naming its columns."""

from prefloop.datasets.tables.columns import Scale, TableColumns
from prefloop.datasets.tables.reading import Table, read_table

__all__ = ["Scale", "Table", "TableColumns", "read_table"]
