"""AS2 (RFC 4130): messages and receipts made and read. Bytes, time and chance are passed in."""
