-- Refused at RCPT, refused at the end, and from where nobody may fax.

local conn = mt.connect(place)
if mt.conninfo(conn, "client.example", "192.0.2.7") ~= nil then error("connect") end
mt.mailfrom(conn, "<anna@example.com>")
mt.rcptto(conn, "<anna@fax.example.com>")
if mt.getreply(conn) ~= SMFIR_REPLYCODE then error("a word is a number") end
mt.rcptto(conn, "<911@fax.example.com>")
if mt.getreply(conn) ~= SMFIR_REPLYCODE then error("911 is faxed") end
mt.rcptto(conn, "<+12125550123@fax.example.com>")
if mt.getreply(conn) ~= SMFIR_CONTINUE then error("a good number is refused") end
mt.data(conn)
mt.header(conn, "Subject", "x")
mt.eoh(conn)
mt.bodystring(conn, "contract.xyz\r\n")
mt.eom(conn)
if mt.getreply(conn) ~= SMFIR_REPLYCODE then error("what cannot be faxed is taken") end
mt.disconnect(conn)

for _, from in ipairs({ "198.51.100.1", "unspec" }) do
    local other = mt.connect(place)
    if mt.conninfo(other, "client.example", from) ~= nil then error("connect from " .. from) end
    mt.mailfrom(other, "<anna@example.com>")
    mt.rcptto(other, "<+12125550123@fax.example.com>")
    if mt.getreply(other) ~= SMFIR_REPLYCODE then error("faxed from " .. from) end
    mt.disconnect(other)
end
