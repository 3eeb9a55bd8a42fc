package api

import "github.com/danielgtaylor/huma/v2"

// aboutTheAPI stands at the top of the description.
const aboutTheAPI = `What ` + "`lessor`" + ` asks a running server, and tells it. A write to any member is the group's.

Times are RFC 3339 in UTC; null is a time that there is none of. Errors are problem details (RFC 9457): ` + "`detail`" + ` says what is wrong and ` + "`remedy`" + ` what to do.
A parameter or a key that is not known is an error. Text that clients sent may hold anything; what could steer a terminal is escaped.`

// tags are what the operations are grouped by.
var tags = []*huma.Tag{
	{Name: tagServer, Description: "How the server is, and what happens."},
	{Name: tagLeases, Description: "Who has what, and why."},
	{Name: tagConfig, Description: "The group's configuration and its versions."},
	{Name: tagFailover, Description: "The other server."},
	{Name: tagAccess, Description: "Who may ask, and who changed what."},
}
