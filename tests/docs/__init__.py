"""What the pages say, held to what there is: links, commands, lengths."""
