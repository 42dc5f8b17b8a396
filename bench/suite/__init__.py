"""The comparison of Backstay with other encrypting backup tools."""
