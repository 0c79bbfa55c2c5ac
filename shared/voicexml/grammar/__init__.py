"""Speech Recognition Grammars (SRGS 1.0) over keys and over words, and what is recognised by them."""
