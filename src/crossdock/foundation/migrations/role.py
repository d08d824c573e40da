"""The role that the hub acts as. Roles are the cluster's: no dump of a database holds it."""

MAKE = """
do $$
begin
    if to_regrole('crossdock_hub') is null then
        create role crossdock_hub nologin;
    end if;
exception when duplicate_object or unique_violation then null;
end $$;
grant usage on schema public to crossdock_hub;
"""

JOIN = """
do $$
begin
    -- Made by somebody else, and we may act as it already: there is nothing that we may grant.
    -- Since version 16 whoever makes a role is its member, but may not act as it yet.
    if not pg_has_role(current_user, 'crossdock_hub', case
            when current_setting('server_version_num')::integer < 160000 then 'member'
            else 'set' end) then
        execute format('grant crossdock_hub to %I', current_user);
    end if;
end $$;
"""
