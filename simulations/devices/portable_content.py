"""Records that can be handed to another process: Flower keeps arrays as views of memory."""

from flwr.app import Array, ArrayRecord, RecordDict


def portable(content: RecordDict) -> RecordDict:
    """The same records, with the arrays' bytes in place of views."""
    return RecordDict(
        {name: _copied(record) if isinstance(record, ArrayRecord) else record for name, record in content.items()}
    )


def _copied(record: ArrayRecord) -> ArrayRecord:
    return ArrayRecord(
        {
            name: Array(dtype=array.dtype, shape=array.shape, stype=array.stype, data=bytes(array.data))
            for name, array in record.items()
        }
    )
