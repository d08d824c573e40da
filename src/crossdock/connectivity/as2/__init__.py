"""AS2 (RFC 4130): messages and receipts made and read; partners, and what went between us."""
