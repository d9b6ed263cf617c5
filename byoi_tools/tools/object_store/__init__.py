"""The door to stores with the S3 API: objects, lists of them, uploads in parts, and what their answers mean."""
