// Starts Swagger on the document of this service; relative, so that it works under any prefix.
"use strict";

window.SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  validatorUrl: null,
});
