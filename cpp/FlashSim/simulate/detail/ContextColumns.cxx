// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/ContextColumns.hxx"

#include "FlashSim/simulate/detail/ContextRows.hxx"

#include "FlashSim/flow/DeclaredRanges.hxx"
#include "FlashSim/lookahead/ColumnStore.hxx"
#include "FlashSim/lookahead/RootInternals.hxx"

#include <TClassEdit.h>
#include <TDataType.h>
#include <TROOT.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>

namespace FlashSim {
namespace {

/// The columns of a collection, for messages.
std::string ListColumns(ROOT::RDF::RNode &node, const std::string &collection)
{
   std::string list;
   for (const auto &column : node.GetColumnNames()) {
      if (column.rfind(collection + "_", 0) == 0 && column.find('.') == std::string::npos)
         list += (list.empty() ? "" : ", ") + column;
   }
   return list.empty() ? "The dataframe has no column '" + collection + "_...'." : "It has " + list + ".";
}

/// The number that a text is, such as "0", "-1.5e3" or "0.f".
std::optional<double> ToNumber(const std::string &text)
{
   if (text.find_first_of("0123456789") == std::string::npos)
      return {}; // "nan", "inf"
   char *end = nullptr;
   const double number = std::strtod(text.c_str(), &end);
   if (end == text.c_str())
      return {};
   if (text.find_first_of("xX") == std::string::npos) {
      while (*end != 0 && std::string("fFlLuU").find(*end) != std::string::npos)
         ++end;
   }
   while (std::isspace(static_cast<unsigned char>(*end)))
      ++end;
   return *end == 0 ? std::optional<double>(number) : std::nullopt;
}

/// The column of the expression given for a context variable: an existing one, or a new one.
std::string DefineContext(ROOT::RDF::RNode &node, const std::shared_ptr<const Flow> &flow, std::size_t variable,
                          const std::string &expression, EOutOfRange outOfRange)
{
   if (node.HasColumn(expression))
      return expression;
   const auto &contract = flow->GetContract();
   const auto &name = contract.fContext[variable].fName;
   std::string column;
   for (int number = 1; column.empty() || node.HasColumn(column); ++number)
      column = HiddenColumn("context " + contract.fName + "." + name + " " + std::to_string(number));
   if (const auto number = ToNumber(expression)) {
      const auto value = static_cast<float>(*number);
      if (outOfRange == EOutOfRange::kError && !ValueLimits(contract.fContext[variable]).Contain(value))
         DeclaredRanges(flow, outOfRange).ReplaceContext(variable, value, "the argument context", "");
      node = node.Define(column, [value = *number] { return value; });
      return column;
   }
   try {
      node = node.Define(column, expression);
   } catch (const std::exception &error) {
      throw std::runtime_error("FlashSim: the expression '" + expression + "', given for context variable '" + name +
                               "' of flow '" + contract.fName + "', is not valid: " + error.what());
   }
   return column;
}

/// The type of the elements of a std::vector or std::array of numbers; empty for other types.
std::string GetElementType(const std::string &type)
{
   std::vector<std::string> parts;
   int nStars = 0;
   TClassEdit::GetSplit(type.c_str(), parts, nStars);
   const bool isContainer = parts.size() > 1 && (parts[0] == "vector" || parts[0] == "std::vector" ||
                                                 parts[0] == "array" || parts[0] == "std::array");
   if (!isContainer)
      return {};
   const auto element = TClassEdit::ResolveTypedef(parts[1].c_str());
   const auto *number = gROOT->GetType(element.c_str());
   return number != nullptr && number->GetType() != kCharStar && number->GetType() != kVoid_t ? element : "";
}

/// \brief Makes sure that a context column holds numbers; a std::vector or std::array of numbers becomes an RVec.
/// \return whether the column is a collection
bool CheckType(ROOT::RDF::RNode &node, const FlowContract &contract, const std::string &variable,
               const std::string &label, std::string &column)
{
   const auto type = node.GetColumnType(column);
   if (const auto element = GetElementType(type); !element.empty()) {
      const auto copy = HiddenColumn("RVec of " + column);
      if (!node.HasColumn(copy)) {
         node = node.Define(copy, "ROOT::VecOps::RVec<" + element + ">(" + column + ".begin(), " + column + ".end())");
      }
      column = copy;
      return true;
   }
   const auto store = MakeColumnStore(type, column);
   if (!store->IsNumeric()) {
      throw std::runtime_error("FlashSim: column '" + label + "', context variable '" + variable + "' of flow '" +
                               contract.fName + "', has type '" + type +
                               "', but must hold numbers or a collection (RVec, std::vector, std::array) of numbers.");
   }
   return store->IsCollection();
}

/// \throws std::runtime_error if the node does not have the column of a context variable, or varies it
void CheckColumn(ROOT::RDF::RNode &node, const FlowContract &contract, const std::string &name,
                 const std::string &column)
{
   if (!node.HasColumn(column)) {
      throw std::runtime_error("FlashSim: flow '" + contract.fName + "' takes '" + name + "' from column '" + column +
                               "', which the dataframe does not have. " + ListColumns(node, contract.fSource) +
                               " Give an expression or a number, as in context={'" + name + "': '...'}.");
   }
   if (const auto variations = RootInternals::GetVariations(node, column); !variations.empty()) {
      throw std::runtime_error("FlashSim: column '" + column + "', context variable '" + name + "' of flow '" +
                               contract.fName + "', is varied upstream ('" + variations.front() +
                               "', ...), and a systematic variation does not cross FlashSim. Vary the result instead, "
                               "or run FlashSim once for each variation.");
   }
}

} // namespace

ContextColumns ResolveContext(ROOT::RDF::RNode node, const FlowList &flows, const std::vector<FlowOptions> &own,
                              EOutOfRange outOfRange)
{
   ContextColumns result{std::move(node), {}, {}};
   for (std::size_t flow = 0; flow < flows.size(); ++flow) {
      const auto &contract = flows[flow]->GetContract();
      std::vector<std::string> columns, labels;
      bool hasCollection = false;
      for (std::size_t i = 0; i < contract.fContext.size(); ++i) {
         const auto &variable = contract.fContext[i].fName;
         const auto given = own[flow].fContext.find(variable);
         const bool isGiven = given != own[flow].fContext.end();
         labels.push_back(isGiven ? given->second : contract.GetContextColumn(variable));
         auto column = labels.back();
         if (isGiven)
            column = DefineContext(result.fNode, flows[flow], i, column, outOfRange);
         CheckColumn(result.fNode, contract, variable, column);
         if (CheckType(result.fNode, contract, variable, labels.back(), column)) {
            if (contract.fLevel == EModelLevel::kEvent)
               ThrowOnCollection(contract, labels.back());
            hasCollection = true;
         }
         columns.push_back(std::move(column));
      }
      if (!hasCollection && contract.fLevel == EModelLevel::kObject)
         ThrowOnScalars(contract);
      result.fColumns.push_back(std::move(columns));
      result.fLabels.push_back(std::move(labels));
   }
   return result;
}

std::string HiddenColumn(const std::string &text)
{
   std::string name = "rdf_flashsim_";
   for (const unsigned char c : text) {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, std::isalnum(c) ? "%c" : "_%02x", c);
      name += escaped;
   }
   return name + "_";
}

} // namespace FlashSim
