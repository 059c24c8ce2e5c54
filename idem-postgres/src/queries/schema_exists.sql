SELECT to_regclass({versions_name}) IS NOT NULL AS exist
