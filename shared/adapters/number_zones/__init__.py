"""Where phone numbers are at home, by the data of libphonenumber."""
