using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;

namespace Portal.Core.Messages;

/// <summary>How an entity becomes a row, read from EF's model: the one truth of columns, types and conversions stays there.</summary>
internal sealed class RowMap
{
    private RowMap(string table, IReadOnlyList<Column> columns) => (Table, Columns) = (table, columns);

    public string Table { get; }

    public IReadOnlyList<Column> Columns { get; }

    public static RowMap Of<T>(IModel model, bool withKey = true)
    {
        var entity = model.FindEntityType(typeof(T)) ?? throw new InvalidOperationException($"{typeof(T).Name} is not in the model.");
        var columns = entity.GetProperties()
            .Where(p => withKey || !p.IsPrimaryKey())
            .Select(p => new Column(p.GetColumnName(), Reader(typeof(T), p), p.GetRelationalTypeMapping()))
            .ToList();
        return new(entity.GetTableName()!, columns);
    }

    private static Func<object, object?> Reader(Type entity, IProperty property)
    {
        var row = Expression.Parameter(typeof(object));
        return Expression.Lambda<Func<object, object?>>(Expression.Convert(Expression.Property(Expression.Convert(row, entity), property.PropertyInfo!), typeof(object)), row).Compile();
    }

    /// <summary>One column.</summary>
    internal sealed record Column(string Name, Func<object, object?> Read, RelationalTypeMapping Mapping)
    {
        private readonly Func<object?, object?>? convert = Mapping.Converter?.ConvertToProvider;

        /// <summary>The value as the provider takes it; null for NULL.</summary>
        public object? ValueOf(object row) => Read(row) is { } value ? convert is null ? value : convert(value) : null;
    }
}
