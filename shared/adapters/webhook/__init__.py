"""Signs results and posts them to the campaign's result_url."""
