#pragma once

#include <string>
#include <string_view>

namespace lipcert {

// Names of tensors, files and hyper-parameters come from outside. Each format has one function
// here that makes such a text harmless in it.

/// For the text and the quoted attributes of HTML, SVG and XML.
[[nodiscard]] std::string markup_text(std::string_view hostile);

/// For a cell of a Markdown table or a line of Markdown: shown letter by letter, never as markup.
[[nodiscard]] std::string markdown_text(std::string_view hostile);

/// A field of RFC 4180: quoted where a comma, quote or line break would be misread. A leading sign
/// that a spreadsheet takes for a formula is kept from it by an apostrophe.
[[nodiscard]] std::string csv_field(std::string_view hostile);

/// The message of a workflow command of GitHub Actions.
[[nodiscard]] std::string workflow_message(std::string_view hostile);

/// A property (title=, file=) of such a command.
[[nodiscard]] std::string workflow_property(std::string_view hostile);

/// A path as a URI reference (RFC 3986); absolute paths become file: URIs.
[[nodiscard]] std::string uri_of_path(std::string_view hostile);

}  // namespace lipcert
