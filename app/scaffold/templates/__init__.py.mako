"""${names.words.capitalize()}."""
