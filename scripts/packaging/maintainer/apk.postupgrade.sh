installed again
