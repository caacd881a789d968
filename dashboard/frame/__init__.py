"""Frame: what pages share: headings, cards, forms, exports, watching."""
